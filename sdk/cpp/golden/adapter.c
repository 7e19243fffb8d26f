/* The one source file that holds the adapter. */
#define MPP_IMPLEMENTATION
#include "mpp.h"
