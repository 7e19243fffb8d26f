/* Of a recursion the engine sees only what stands in memory, and a frame of WebAssembly may have nothing there.
 * So functions that recurse take up as much memory as their frames take of the native stack: the build of the layer writes this into them.
 */
#define LAYER_FRAME(size)    \
    char layer_frame[size]; \
    __asm__ volatile("" ::"r"(layer_frame) : "memory")
