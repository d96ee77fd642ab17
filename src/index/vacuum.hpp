// VACUUM: taking dead rows out of the index.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

IndexBulkDeleteResult* BulkDelete(IndexVacuumInfo* info, IndexBulkDeleteResult* result,
                                  IndexBulkDeleteCallback callback, void* callback_state);
IndexBulkDeleteResult* VacuumCleanup(IndexVacuumInfo* info, IndexBulkDeleteResult* result);

}  // namespace medvec::index
