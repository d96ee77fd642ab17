// SQL functions behind medvec.register_model and the views medvec.models and medvec.embedder_status (models.sql).
#include "embed/connection.hpp"
#include "embed/model_registry.hpp"
#include "embed/reply.hpp"
#include "embed/request.hpp"
#include "embed/settings.hpp"
#include "embed/shared_state.hpp"
#include "pg/records.hpp"

using namespace medvec::embed;
using medvec::protocol::ReplyKind;
using medvec::protocol::RequestKind;

// medvec.default_model() → text: the setting. current_setting() knows it only after the library was loaded, which this
// does.
MEDVEC_FUNCTION(medvec_default_model) { PG_RETURN_TEXT_P(cstring_to_text(medvec::settings::default_model)); }

// medvec.inspect_model(file text, spec jsonb, OUT sha256 text, OUT dimensions integer, OUT full_spec
// jsonb): loads the file,
// checks it and runs it once. A NULL spec takes the one inside the file.
MEDVEC_FUNCTION(medvec_inspect_model) {
  if (PG_ARGISNULL(0)) ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model file must not be null")));
  TupleDesc descriptor;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE || descriptor->natts != 3)
    elog(ERROR, "inspect_model must return 3 columns");

  const char* path = FindModelFile(text_to_cstring(PG_GETARG_TEXT_PP(0)));
  Datum spec_argument = PG_ARGISNULL(1) ? Datum{0} : PG_GETARG_DATUM(1);
  const char* spec = PG_ARGISNULL(1) ? "" : DatumGetCString(DirectFunctionCall1(jsonb_out, spec_argument));
  StringInfo payload = makeStringInfo();
  AppendString(payload, path);
  AppendString(payload, spec);
  const iovec piece = Bytes(payload);
  const Reply reply = Call(RequestKind::inspect_model, {&piece, 1});
  RaiseIfError(reply, 1);

  PayloadReader reader(reply.payload);
  char* values[3];
  values[0] = reader.ReadString();
  values[1] = psprintf("%u", reader.ReadUint32());
  values[2] = reader.ReadString();
  PG_RETURN_DATUM(HeapTupleGetDatum(BuildTupleFromCStrings(TupleDescGetAttInMetadata(descriptor), values)));
}

// medvec.embedder_state(OUT state, pid, supervisor_pid, started_at, starts, deaths, last_exit, details jsonb): what
// shared memory says and, where it runs, what the embedder says of itself. Never starts it.
MEDVEC_FUNCTION(medvec_embedder_state) {
  constexpr int kColumns = 8;
  TupleDesc descriptor;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE || descriptor->natts != kColumns)
    elog(ERROR, "embedder_state must return %d columns", kColumns);
  descriptor = BlessTupleDesc(descriptor);

  SharedState* state = Shared();
  LWLockAcquire(&state->lock, LW_SHARED);
  const Phase phase = state->phase;
  const pid_t embedder = state->embedder;
  const pid_t supervisor = state->supervisor;
  const TimestampTz started_at = state->started_at;
  const int64 starts = state->starts;
  const int64 deaths = state->deaths;
  char last_exit[sizeof(state->last_exit)];
  medvec::CopyString(last_exit, state->last_exit);
  LWLockRelease(&state->lock);

  static constexpr const char* kPhases[] = {"stopped", "starting", "running", "waiting"};
  Datum values[kColumns] = {};
  bool nulls[kColumns] = {};
  values[0] = CStringGetTextDatum(kPhases[static_cast<int>(phase)]);
  values[1] = Int32GetDatum(embedder);
  nulls[1] = embedder == 0;
  values[2] = Int32GetDatum(supervisor);
  nulls[2] = supervisor == 0;
  values[3] = TimestampTzGetDatum(started_at);
  nulls[3] = phase != Phase::running;
  values[4] = Int64GetDatum(starts);
  values[5] = Int64GetDatum(deaths);
  values[6] = CStringGetTextDatum(last_exit);
  nulls[6] = last_exit[0] == '\0';
  nulls[7] = true;
  if (phase == Phase::running) {
    const Reply reply = CallIfRunning(RequestKind::status, {});
    if (reply.kind == ReplyKind::ok) {
      PayloadReader reader(reply.payload);
      values[7] = DirectFunctionCall1(jsonb_in, CStringGetDatum(reader.ReadString()));
      nulls[7] = false;
    }
  }
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls)));
}
