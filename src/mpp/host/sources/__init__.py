"""Where tools come from: installed packages, legacy servers, and the two tools of search mode."""
