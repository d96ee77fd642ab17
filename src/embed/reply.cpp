#include "embed/reply.hpp"

namespace medvec::embed {

static int SqlState(protocol::ErrorCode code) {
  using protocol::ErrorCode;
  switch (code) {
    case ErrorCode::not_an_image:
    case ErrorCode::corrupt_image:
      return ERRCODE_INVALID_BINARY_REPRESENTATION;  // 22P03
    case ErrorCode::unsupported:
      return ERRCODE_FEATURE_NOT_SUPPORTED;  // 0A000
    case ErrorCode::too_large:
    case ErrorCode::timeout:
      return ERRCODE_PROGRAM_LIMIT_EXCEEDED;  // 54000
    case ErrorCode::model_missing:
      return ERRCODE_UNDEFINED_FILE;  // 58P01
    case ErrorCode::model_changed:
      return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;  // 55000
    case ErrorCode::model_refused:
    case ErrorCode::invalid_argument:
      return ERRCODE_INVALID_PARAMETER_VALUE;  // 22023
    case ErrorCode::model_failed:
      return ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;  // 38000
    case ErrorCode::out_of_memory:
      return ERRCODE_OUT_OF_MEMORY;  // 53200
    case ErrorCode::bad_request:
    case ErrorCode::version_mismatch:
      return ERRCODE_PROTOCOL_VIOLATION;  // 08P01
    case ErrorCode::decoder_died:
      return ERRCODE_SYSTEM_ERROR;  // 58000
    case ErrorCode::internal:
      break;
  }
  return ERRCODE_INTERNAL_ERROR;
}

void RaiseIfError(const Reply& reply, int images) {
  if (reply.kind == protocol::ReplyKind::ok) return;
  PayloadReader reader(reply.payload);
  const auto code = static_cast<protocol::ErrorCode>(reader.ReadUint32());
  const uint32_t image = reader.ReadUint32();
  const char* message = reader.ReadString();
  const char* detail = reader.ReadString();
  const char* hint = reader.ReadString();
  ereport(ERROR, (errcode(SqlState(code)), errmsg("%s", message), detail[0] != '\0' ? errdetail("%s", detail) : 0,
                  hint[0] != '\0' ? errhint("%s", hint) : 0,
                  images > 1 ? errcontext("image %u of %d", image + 1, images) : 0));
}

}  // namespace medvec::embed
