"""``mpp dev``: watch a project, build it anew, run its tests, say what a failing access would need."""
