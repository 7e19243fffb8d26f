/* picture.h - a small chessboard of our own, in place of the picture of the server, which belongs to others. */
#define PICTURE "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAGUlEQVR42mO4cEFBAYQZ4AwIdeECgkGEGgA4hB4BSzEf3QAAAABJRU5ErkJggg=="
