// Whole and aligned values, as pg_detoast_datum gives them, for types whose values are often stored out of line and
// read one after the other.
//
// A vector of more than about 500 dimensions lies in its table's TOAST table, cut into chunks of 2 kB. The server looks
// every value up anew: it opens the TOAST table's index, descends it and reaches each chunk through it, 2 to 4
// microseconds, ten times what the distance takes. But a scan meets values in the order in which they were written,
// which is that of the index; so one visit to the index notes where the chunks of the following values lie, as many as
// the last notes proved useful for. Figures: docs/decisions/0001-vector-storage.md.
#pragma once

#include "pg/server.hpp"

namespace medvec {

struct varlena* DetoastStored(struct varlena* value);

// `value` itself where it is whole and aligned already, else a copy in the current context.
inline struct varlena* Detoast(struct varlena* value) {
  return likely(VARATT_IS_4B_U(value)) ? value : DetoastStored(value);
}

// One argument of a function that is called for each row of a scan, where one argument is often the same in all calls
// (`ORDER BY embedding <-> (SELECT ...)`): the whole form of a value out of line is kept from its second call on, to
// the end of the transaction.
class RepeatedArg {
 public:
  // As Detoast; what it returns goes back by Release.
  struct varlena* Get(struct varlena* value) {
    return likely(VARATT_IS_4B_U(value)) ? value : GetStored(value);
  }
  // The same, except that the value may have a short header and then any alignment.
  struct varlena* GetPacked(struct varlena* value) {
    return likely(VARATT_IS_1B(value) && !VARATT_IS_1B_E(value)) ? value : Get(value);
  }
  void Release(struct varlena* value, struct varlena* whole) const {
    if (whole != value && whole != kept_) pfree(whole);
  }

 private:
  struct varlena* GetStored(struct varlena* value);

  Oid table_ = InvalidOid, id_ = InvalidOid;  // of the last value
  struct varlena* kept_ = nullptr;
  bool watching_ = false;  // at_end_ is registered
  MemoryContextCallback at_end_ = {};
};

}  // namespace medvec
