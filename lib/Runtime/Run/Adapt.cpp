//===- Adapt.cpp - initial values of adapters, restored and merged tensors ---===//

#include "Steps.h"

#include "ftc/Runtime/Run/TensorTransfer.h"

#include <algorithm>
#include <cmath>

namespace ftc::run {

Status runAdapt(Session &session, const Step &step, const AdaptStep &adapt) {
  if (Status status = session.loadWeights(step); !status)
    return status;
  for (const std::vector<uint32_t> *tensors : {&adapt.trained, &adapt.frozen})
    for (uint32_t tensor : *tensors)
      if (session.manifest.tensors[tensor].source)
        if (Status status = session.loadFromSource(tensor); !status)
          return status;
  if (!adapt.initialise)
    return Status::success();
  if (Status status = session.machine.setInteger(adapt.key, mixKey(session.seed(adapt.seed), 0)); !status)
    return status;
  return session.machine.run(*adapt.initialise);
}

Status runRestore(Session &session, const Step &step, const RestoreStep &restore) {
  std::string path = pathOf(session.manifest, session.options, step, restore.path);
  if (restore.format == "peft")
    path += std::string("/") + AdapterDirectory::peftTensors;
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return file.error();
  std::set<std::string_view> wanted;
  for (const FileTensor &tensor : restore.tensors)
    wanted.insert(tensor.file);
  for (const StoredTensor &stored : file->tensors())
    if (wanted.count(stored.name) == 0)
      return makeError(ExitStatus::Input, "{}: tensor {} has no place in what is restored", path, quote(stored.name));
  for (const FileTensor &tensor : restore.tensors) {
    const StoredTensor *stored = file->find(tensor.file), *first = file->find(tensor.copyOf);
    if (!tensor.copyOf.empty() && (!stored || !first || !std::ranges::equal(stored->bytes, first->bytes)))
      return makeError(ExitStatus::Input, "{}: {} is not a copy of {}", path, quote(tensor.file), quote(tensor.copyOf));
    if (Status status = loadPart(session.machine, session.manifest, tensor, stored, path); !status)
      return status;
  }
  return Status::success();
}

Status runMerge(Session &session, const Step &step, const MergeStep &merge) {
  if (Status status = session.loadWeights(step); !status)
    return status;
  session.console.showStatus(fmt::format("{}  merging {} tensors", step.name, merge.tensors.size()));
  if (Status status = session.machine.run(merge.program); !status)
    return status;
  for (const FileTensor &tensor : merge.tensors)
    if (!session.machine.isFinite(tensor.tensor))
      return makeError(ExitStatus::Numbers, "{}: {} is not finite when merged", step.name, quote(tensor.file));
  for (const Requantized &format : merge.requantized) {
    double share = std::sqrt(session.machine.real(format.error) / session.machine.real(format.norm));
    session.console.print(fmt::format("{}: kept in full precision; in {} again, as the base model has them, the merged "
                                      "weights would change by {:.2g} of their size",
                                      step.name, format.format, share));
  }
  return Status::success();
}

} // namespace ftc::run
