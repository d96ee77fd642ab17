// What a model may do.
//
// A TorchScript file is a program: among its operators are ones that read and write files, and they run with the rights
// of the server. So a model consists of the operators listed here and nothing else: arithmetic on tensors and numbers,
// layers, shapes, control flow. Not on the list, among others: files (aten::from_file, aten::save), views that choose
// their own strides, printing, Python, threads.
//
// Random numbers and uninitialised memory do no harm, but a vector must be a function of the image. Networks have them
// in branches for training, which are gone once the network is prepared for inference: those are `by_chance`, fine in a
// file and not in a prepared network.
#pragma once

#include <string>
#include <string_view>

namespace medvec::embedder {

enum class Permission { allowed, by_chance, refused };

// `name` is a node kind such as "aten::conv2d". `in_setstate`: the node is in a __setstate__, which puts a module
// together while it is loaded and may set its attributes.
Permission PermissionOf(std::string_view name, bool in_setstate);

}  // namespace medvec::embedder
