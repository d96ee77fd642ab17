// What a model may do.
//
// A TorchScript file is a program: among its operators are ones that read and write files, and they run with the rights
// of the server. So a model consists of the operators below and nothing else: arithmetic on tensors and numbers,
// layers, shapes, control flow. Not on the list, among others: files (aten::from_file, aten::save), random numbers and
// uninitialised memory (a vector must be a function of the image), views that choose their own strides, printing,
// Python, threads.
#pragma once

#include <string>
#include <string_view>

namespace medvec::embedder {

// `name` is a node kind such as "aten::conv2d". `in_setstate`: the node is in a __setstate__, which puts a module
// together while it is loaded and may set its attributes.
bool OperatorAllowed(std::string_view name, bool in_setstate);

}  // namespace medvec::embedder
