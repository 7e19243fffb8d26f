"""What sysconfig asks of a build: nothing here can be built upon, and no time zone lies on a disk."""

build_time_vars = {"EXT_SUFFIX": "", "Py_GIL_DISABLED": 0, "SOABI": "", "TZPATH": "", "VERSION": "3.13", "prefix": "/python"}
