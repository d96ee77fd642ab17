// What happens when the server loads the library: settings, hooks and registrations, nothing else.
#include "embed/connection.hpp"
#include "embed/settings.hpp"
#include "index/explain.hpp"
#include "index/options.hpp"
#include "index/stop_point.hpp"
#include "pg/server.hpp"
#include "planner/hook.hpp"

MEDVEC_MODULE_MAGIC;

extern "C" MEDVEC_EXPORT void _PG_init(void);

void _PG_init(void) {
  medvec::index::DefineStopPoints();  // before the prefix of its setting is closed to others
  medvec::settings::Define();
  medvec::index::DefineOptions();
  medvec::index::InstallExplainHook();
  medvec::embed::RegisterConnectionCallbacks();
  medvec::planner::InstallHooks();
}
