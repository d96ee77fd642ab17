// The server's side of stop points (core/stop_point.hpp), in builds for tests alone.
#pragma once

namespace medvec::index {

// Defines the setting medvec.stop_points: names of points, with commas between. A session that comes to one of them
// waits while somebody else holds the advisory lock hashtext(name). "name:3" waits at the third time only, counted from
// the setting on. Called when the library is loaded.
void DefineStopPoints();

// The level of a new node: `drawn`, unless the setting medvec.insert_level is 0 or more.
#ifdef MEDVEC_STOP_POINTS
int LevelForTest(int drawn);
#else
inline int LevelForTest(int drawn) { return drawn; }
#endif

}  // namespace medvec::index
