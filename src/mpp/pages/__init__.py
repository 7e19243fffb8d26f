"""What pages for people are made of, wherever they are served: texts of strangers, times and sizes in words, files beside the pages."""
