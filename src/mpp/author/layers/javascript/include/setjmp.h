/* dtoa.c of QuickJS includes this header and uses nothing of it; a WebAssembly module without exceptions has no such jumps. */
