"""People of the stand-alone app: users, workspaces, sessions, sign-in. A host brings its own instead."""
