//===- Specimen.h - a small model on which definitions are tried -*- C++ -*-===//
//
// The model definition of the library that needs no files, adapted in several
// ways within one module, whose programs run in this process. Its weights and
// inputs are random and always the same.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_PIPELINES_SPECIMEN_H
#define FTC_PIPELINES_SPECIMEN_H

#include "ftc/Elaborate/Adapter.h"
#include "ftc/Elaborate/Elaborator.h"
#include "ftc/Elaborate/Program.h"
#include "ftc/Target/Image.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <set>

namespace ftc {

/// The dialects of programs, and the adjoints of their ops.
void prepareContext(mlir::MLIRContext &context);

class Specimen {
public:
  /// `config` replaces defaults of the model's configuration. Messages about what is tried go to `diags`.
  Specimen(DefinitionLibrary &library, Diagnostics &diags, const std::map<std::string, int64_t> &config = {});

  /// False where the library lacks the model, or after messages.
  bool sound() const { return model && diags.errorCount() == before; }
  elaborate::Elaborator &elaborator() { return *shared; }
  mlir::ModuleOp module() { return *current; }
  elaborate::Model &baseModel() { return *model; }
  elaborate::AdaptedModel base() { return elaborate::AdaptedModel(*model); }
  /// What an adapter is put on: the model, with two lines below where the adapter asks for those; nothing after
  /// messages.
  std::optional<elaborate::AdaptedModel> baseFor(const elaborate::Applied &adapter);
  /// A second model with weights of its own; `step` names them.
  elaborate::AdaptedModel another(llvm::StringRef step);
  /// A batch of two rows of eight tokens, and the places that adapters put before them; rows of preferences and the
  /// like have two such texts.
  elaborate::Batch batch(llvm::StringRef name, const elaborate::AdaptedModel &model,
                         const elaborate::RecordForm &form = {});

  /// `model` with an adapter on each of its sites, as an `adapt` step of that name; nothing after messages.
  std::optional<elaborate::AdaptedModel> adapt(const elaborate::AdaptedModel &model, llvm::StringRef step,
                                               std::shared_ptr<const elaborate::Applied> adapter);
  /// A program that gives the tensors of adapters their first values.
  bool initialise(const elaborate::AdaptedModel &model, llvm::StringRef name);
  /// A program that writes logits to the output `name`.
  bool logits(const elaborate::AdaptedModel &model, llvm::StringRef name, const elaborate::Batch &batch);

  /// The number of a program among those of the module.
  unsigned number(llvm::StringRef program);
  /// How often its programs are to run: what runs a few times is compiled in the least time.
  enum class Runs { Few, Many };
  /// The module lowered for a target, filled; nothing after a bug. The specimen cannot be extended any more.
  llvm::FailureOr<Image> load(target::TargetKind kind, Runs runs);

private:
  std::unique_ptr<elaborate::Model> instantiate(llvm::StringRef step);
  void fill(Image &image);

  Diagnostics &diags;
  unsigned before;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> current;
  std::unique_ptr<elaborate::Elaborator> shared;
  std::map<std::string, int64_t> config;
  std::set<std::string> statistics; ///< symbols of what data sets are to say of sites: random numbers here
  std::unique_ptr<elaborate::Model> model;
  std::vector<std::unique_ptr<elaborate::Model>> others;
};

/// The logits of a batch without those of places that adapters put before its tokens.
std::vector<double> logitsOfTokens(Image &image, llvm::StringRef name, const elaborate::Batch &batch);

/// The largest difference of two tensors over the largest value of the second.
double largestDifference(llvm::ArrayRef<double> values, llvm::ArrayRef<double> truth);

} // namespace ftc

#endif // FTC_PIPELINES_SPECIMEN_H
