// What happens when the server loads the library: settings, hooks and registrations, nothing else.
#include "pg/server.hpp"

MEDVEC_MODULE_MAGIC;

extern "C" MEDVEC_EXPORT void _PG_init(void);

void _PG_init(void) {}
