#include "embed/settings.hpp"

#include <climits>

#include "pg/server.hpp"

namespace medvec::settings {

char* default_model = nullptr;
char* model_directory = nullptr;
char* embedder_path = nullptr;
int embedder_threads = 0;
int embedder_memory_kb = 4 * 1024 * 1024;
int decoder_memory_kb = 2 * 1024 * 1024;
int max_image_megapixels = 100;
int image_timeout_ms = 5000;

void Define() {
  DefineCustomStringVariable("medvec.default_model", "Model that embed_image(image) uses.", nullptr, &default_model,
                             "medvec-xray-v1", PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable("medvec.model_directory",
                             "Directory of the model files that medvec.register_model may name.",
                             "Models that come with medvec are found without it.", &model_directory, "", PGC_SIGHUP,
                             GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
  DefineCustomStringVariable("medvec.embedder_path", "Path of the program medvec-embedder.",
                             "Empty: in the directory of the server program. medvec-decoder lies beside it.",
                             &embedder_path, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("medvec.embedder_threads", "Threads that run models, and images decoded at once.",
                          "0: one for each processor.", &embedder_threads, 0, 0, 256, PGC_SIGHUP, 0, nullptr, nullptr,
                          nullptr);
  DefineCustomIntVariable("medvec.embedder_memory", "Memory that the embedder may use for data.", nullptr,
                          &embedder_memory_kb, 4 * 1024 * 1024, 512 * 1024, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB, nullptr,
                          nullptr, nullptr);
  DefineCustomIntVariable("medvec.decoder_memory", "Memory that decoding one image may use.", nullptr,
                          &decoder_memory_kb, 2 * 1024 * 1024, 128 * 1024, INT_MAX, PGC_SIGHUP, GUC_UNIT_KB, nullptr,
                          nullptr, nullptr);
  DefineCustomIntVariable("medvec.max_image_megapixels", "Images (or frames) of more megapixels are refused.", nullptr,
                          &max_image_megapixels, 100, 1, 10000, PGC_SUSET, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("medvec.image_timeout", "Time that decoding one image may take.", nullptr, &image_timeout_ms,
                          5000, 10, 600000, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  MarkGUCPrefixReserved("medvec");
}

}  // namespace medvec::settings
