#pragma once

/// What was built: "v0.1.0, 1a2b3c4d" (tag, commit), "1a2b3c4d", or empty where nobody said.
const char *build_revision(void);
