// Settings of images, models and the embedder; described for users in docs/settings.md.
#pragma once

namespace medvec::settings {

extern char* default_model;       // medvec.default_model: the model of embed_image(image)
extern char* model_directory;     // medvec.model_directory: where registered models lie, besides the bundled ones
extern char* embedder_path;       // medvec.embedder_path: the program; empty: beside the server's own
extern int embedder_threads;      // medvec.embedder_threads: 0: one for each processor
extern int embedder_memory_kb;    // medvec.embedder_memory
extern int decoder_memory_kb;     // medvec.decoder_memory
extern int max_image_megapixels;  // medvec.max_image_megapixels
extern int image_timeout_ms;      // medvec.image_timeout

// Called once, when the library is loaded.
void Define();

}  // namespace medvec::settings
