//===- Manifest.h - what the compiler tells the executable -------------------===//
//
// The manifest as types. docs/manifest.md is its specification; the names here are those of the JSON text.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "ftc/Runtime/Core/ElementType.h"
#include "ftc/Runtime/Core/Status.h"
#include "ftc/Runtime/Data/Dataset.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftc::run {

using namespace runtime; // its statuses, files and element types

/// The number of a tensor in `Manifest::tensors`, or of a program in `Manifest::programs`; none where it is absent.
using TensorRef = std::optional<uint32_t>;
using ProgramRef = std::optional<uint32_t>;

/// A transposition between file and arena: data seen with `shape`, its dimensions put in `order`.
struct View {
  std::vector<int64_t> shape;
  std::vector<int64_t> order;
};

/// How blocks of a compressed type become reals: `rows` rows of raw bytes into `bytes`, `program`, reals from `values`.
struct Decode {
  uint32_t program = 0;
  uint32_t bytes = 0;
  uint32_t values = 0;
  int64_t rows = 0;
};

/// Where the contents of a tensor come from.
struct Source {
  std::string step; // the `load` step
  std::string tensor;
  std::vector<int64_t> shape; // in the file
  std::optional<View> view;
  std::optional<Decode> decode;
  bool mapped = false; ///< pages of the file may take the place of a copy
};

struct Tensor {
  std::string name;
  std::string kind;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  std::optional<Source> source;

  int64_t elements() const { return static_cast<int64_t>(bytes / byteSize(type)); }
};

/// The elements that a tensor of a file and one of the arena have in common: element i of `sizes` is at offset +
/// sum(i * strides) of each.
struct Part {
  struct Side {
    int64_t offset = 0;
    std::vector<int64_t> strides;
  };
  std::vector<int64_t> sizes;
  Side file, tensor;
};

/// A tensor and its name and form in a file. `shape` is the file's.
struct FileTensor {
  uint32_t tensor = 0;
  std::string file;
  std::optional<Part> part; // without one both have the same elements in the same order
  std::string copyOf;       // restoring: another tensor of the file, which must be equal
  std::vector<int64_t> shape;
  ElementType type = ElementType::F32; // saving: of its elements in the file
};

struct LoadStep {
  std::string path, format;
};

struct DatasetStep {
  std::string path, format;
  std::map<std::string, std::string> fields;
  std::vector<std::string> numbers;
  double promptLoss = 0;
  bool shuffle = true;
  std::optional<int64_t> limit;
  std::optional<int64_t> vocabularySize;
  std::optional<std::string> tokenizer;
  data::InfillOptions infill;

  /// How the file at `path`, which is this step's, is read.
  data::DatasetOptions options(std::string path) const;
};

struct AdaptStep {
  ProgramRef initialise;
  int64_t seed = 0;
  TensorRef key;
  std::vector<uint32_t> trained, frozen;
};

struct RestoreStep {
  std::string path, format;
  std::vector<FileTensor> tensors;
};

/// Rows of a global batch, of `micro` rows at a time.
struct BatchShape {
  int64_t sequences = 1, tokens = 1, micro = 1;
  bool packing = true;
  bool whole = false;        // no rows of padding
  int64_t virtualTokens = 0; // places before each document that the model fills
};

/// Tensors that hold one text of each row; any may be absent.
struct TextInputs {
  TensorRef inputIds, targets, weights, positions, segments;
};

/// Tensors that the runtime fills before a program; any may be absent.
struct Inputs : TextInputs {
  TensorRef field, row, key, step, steps, stepsPerEpoch, denominators;
  std::map<std::string, TextInputs> texts; // where rows have several
  std::map<std::string, uint32_t> numbers; // that the data set names
};

/// Log-probabilities that another model gives the labels of a text: what the program `refer` finds before the training.
struct Reference {
  std::string text; // empty: of the only one
  uint32_t output = 0;
  TensorRef input;
};

struct Outputs {
  TensorRef loss, denominators, lr, gradNorm;
};

/// What adapters do after each so many updates, or once after that one; never after the last.
struct Block {
  uint32_t program = 0;
  int64_t updates = 1;
  bool once = false;

  bool happensAfter(int64_t done) const { return once ? done == updates : done % updates == 0; }
};

struct TrainStep {
  std::string data;
  ProgramRef weigh, micro, update, initialise, refer;
  Inputs inputs;
  Outputs outputs;
  std::vector<Reference> references;
  std::vector<uint32_t> trained, gradients, states;
  std::vector<uint32_t> kept; // what else is a result of the training, besides the trained tensors
  std::vector<Block> every;
  std::vector<uint32_t> moves; // programs to points at which the optimizer asks for the loss once more, in order
  bool beginsMoved = false;    // nothing asks for the loss before the first of these
  BatchShape batch;
  std::optional<int64_t> classes; // the labels of rows are below this
  std::optional<int64_t> steps;
  double epochs = 1;
  int64_t seed = 0;
  std::optional<int64_t> checkpointEvery;
};

/// Also the step `gradients`, which keeps them for a later `save`.
struct EvaluateStep {
  std::string data;
  ProgramRef weigh, micro;
  Inputs inputs;
  Outputs outputs;
  BatchShape batch;
  std::optional<int64_t> classes; // as in training
  std::vector<uint32_t> gradients;
};

/// One of the two programs of generation: reads `tokens` tokens, writes their keys and values into the cache, and
/// gives the logits of the token number `last`.
struct GeneratePass {
  int64_t tokens = 1;
  TensorRef inputIds, positions, segments, start, last;
  uint32_t logits = 0;
};

struct GenerateStep {
  std::string model;
  std::vector<std::string> prompts;
  std::optional<std::string> data; // a dataset step whose prompts are answered
  bool chat = false;
  int64_t tokens = 0;
  double temperature = 0;
  int64_t topK = 0;
  double topP = 1;
  int64_t seed = 0;
  std::vector<std::string> stop;
  uint32_t prefillProgram = 0, decodeProgram = 0;
  GeneratePass prefill, decode;
  std::vector<uint32_t> caches;
  TensorRef cacheSegments, cachePositions;
  int64_t capacity = 0;
  int64_t virtualTokens = 0; // places before each prompt that the model fills
};

/// What merged weights would lose in the block format in which the checkpoint has them: sums of squares.
struct Requantized {
  std::string format;
  uint32_t error = 0, norm = 0;
};

struct MergeStep {
  uint32_t program = 0;
  std::vector<FileTensor> tensors;
  std::vector<Requantized> requantized;
};

struct LogitsStep {
  std::string data;
  BatchShape batch;
  uint32_t forward = 0;
  Inputs inputs;
  uint32_t logits = 0;
};

/// A tensor of a saved model: one of the arena, or `from` of the checkpoint that `step` opened; converted to `type`,
/// transposed by `view`.
struct ModelTensor {
  std::string file;
  TensorRef tensor;
  std::string step, from;
  ElementType type = ElementType::F32; // in the saved file, and so is the shape
  std::optional<View> view;
  std::vector<int64_t> shape;
};

struct SaveStep {
  std::string path, as;
  std::string config;
  std::optional<std::string> tokenizer;
  std::vector<FileTensor> tensors;            // peft, adapter, safetensors
  std::map<std::string, std::string> sources; // adapter: texts by file name
  std::vector<ModelTensor> model;             // huggingface
  std::string from;                           // text, logits: the step whose results are written
};

using StepDetail = std::variant<LoadStep, DatasetStep, AdaptStep, RestoreStep, TrainStep, EvaluateStep, GenerateStep,
                                MergeStep, LogitsStep, SaveStep>;

struct Step {
  std::string kind, name, hash;
  std::vector<std::string> uses;
  StepDetail detail;
};

/// The memory plan, in bytes.
struct Plan {
  uint64_t weights = 0, trained = 0, gradients = 0, states = 0, activations = 0, workspace = 0, peak = 0;
};

struct Manifest {
  std::string recipe; // its name
  std::string source; // its text
  std::string folder;
  std::string target;
  uint64_t arenaBytes = 0;
  Plan plan;
  std::vector<std::string> programs;
  std::vector<Tensor> tensors;
  std::vector<Step> steps;

  const Step *find(std::string_view name) const;
};

/// Reads and checks a manifest: every reference resolves, every tensor lies in the arena. A failure is a bug of the
/// compiler (exit status 70).
Expected<Manifest> readManifest(std::string_view text);

} // namespace ftc::run
