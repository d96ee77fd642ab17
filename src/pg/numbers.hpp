// Door to the server's numbers: range errors of arithmetic, shortest decimal text.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "common/shortest_dec.h"
#include "utils/float.h"
}
