//===- ManifestReader.h - typed access to JSON objects -----------------------===//
//
// Every key that is asked for must be there with the right type (unless optional), every key that is there must be
// asked for. The first failure is kept; after it, readers give empty values, so that callers need no checks between.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ftc/Runtime/IO/Json.h"
#include "ftc/Runtime/Run/Manifest.h"

#include <set>

namespace ftc::run {

/// What all readers of one manifest share.
struct ReaderContext {
  std::optional<Error> failure;
  size_t programs = 0;
  size_t tensorCount = 0;
  const std::vector<Tensor> *tensors = nullptr; // those read so far
};

class ObjectReader {
public:
  ObjectReader(ReaderContext &context, const json::Value &value, std::string path);

  bool has(std::string_view key);
  std::string string(std::string_view key);
  bool boolean(std::string_view key, bool absent);
  double number(std::string_view key, double absent);
  /// Not negative.
  int64_t integer(std::string_view key);
  int64_t positive(std::string_view key);
  /// Any integer, or none.
  std::optional<int64_t> optionalInteger(std::string_view key);
  ElementType elementType(std::string_view key);
  std::vector<int64_t> integers(std::string_view key);
  /// Absent is empty, for all lists and maps below.
  std::vector<std::string> strings(std::string_view key);
  std::map<std::string, std::string> stringMap(std::string_view key);
  std::vector<uint32_t> tensors(std::string_view key);
  std::map<std::string, uint32_t> tensorMap(std::string_view key);
  std::vector<ObjectReader> objects(std::string_view key);
  ObjectReader object(std::string_view key);

  uint32_t tensor(std::string_view key);
  uint32_t program(std::string_view key);
  TensorRef optionalTensor(std::string_view key);
  ProgramRef optionalProgram(std::string_view key);

  /// The shape of a tensor that was read before.
  std::vector<int64_t> shapeOf(uint32_t tensor) const;
  ElementType typeOf(uint32_t tensor) const;

  void fail(std::string_view what);
  /// Fails if a key was never asked for.
  void finish();

private:
  const json::Value *take(std::string_view key);
  const json::Value *require(std::string_view key, std::string_view what);
  std::optional<uint32_t> reference(std::string_view key, size_t count);

  ReaderContext *context;
  const json::Value *value;
  std::string path;
  std::set<std::string, std::less<>> taken;
};

} // namespace ftc::run
