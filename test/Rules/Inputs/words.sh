#!/usr/bin/env bash
# words.sh SOURCE: fails, naming the places, if code of the compiler or the runtime has the word of a method, an optimizer, an objective, a
# number format or a model family, as a name of its own or in a string. Not meant are comments, examples in the documentation of ops, and
# what GGUF files call their types and tokenizers (Gguf*).
set -euo pipefail
cd "$1"
methods='lora|dora|pissa|olora|ia3|vera|loha|lokr|boft|oft|adalora|bitfit|houlsby|galore|relora'
optimizers='adamw|adafactor|rmsprop|adagrad'
objectives='dpo|ipo|kto|orpo|simpo'
families='llama|qwen[0-9]?|mistral|gemma[0-9]?|phi3|gpt2|olmo2?|nf4'
if grep -rniE "\b($methods|$optimizers|$objectives|$families)(_|\b|For)" lib include dialects tools \
  --include='*.cpp' --include='*.h' --include='*.td' --include='*.def' --exclude='Gguf*' |
  grep -vE '^[^:]+:[0-9]+:[^"]*//' | grep -vE '\.td:[0-9]+: .*(#recipe\.call<|`lora\()'; then
  echo "these places know a method, an optimizer, an objective, a format or a model family" >&2
  exit 1
fi
