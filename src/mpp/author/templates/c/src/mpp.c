/* The one source file that holds the adapter; what it offers stands in include/mpp.h. */
#define MPP_IMPLEMENTATION
#include "mpp.h"
