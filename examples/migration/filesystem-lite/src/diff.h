/* diff.h - the difference of two texts by lines, in the unified form with four lines around each change. */
#ifndef DIFF_H
#define DIFF_H

#include "ported.h"

#define DIFF_LINES_MAX 1500u /* lines of one side: the table has this many squared cells of two bytes */

/* Add it to `out`; false when a side has too many lines. */
bool diff_unified(ported_text *out, mpp_text name, mpp_text before, mpp_text after);

#endif
