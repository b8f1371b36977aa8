// RUN: ftc-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{has the name '4x', which is no word (C1)}}
%0 = recipe.load "4x" "m"

// -----

// expected-error @+1 {{a quantity is finite and not negative (C2)}}
%0 = recipe.load "a" "m" {x = #recipe.quantity<-1.0 : f64 bytes>}

// -----

// expected-error @+1 {{an extent has two positive sides (C3)}}
%0 = recipe.load "a" "m" {x = #recipe.extent<0 x 4>}

// -----

// expected-error @+2 {{a line of a map has a selector and a value (C4)}}
// expected-error @+1 {{failed to parse Recipe_Map parameter}}
%0 = recipe.load "a" "m" {x = #recipe.map<<"", 4 : i64>>}

// -----

// expected-error @+1 {{has an empty path (C5)}}
%0 = recipe.load "a" ""

// -----

// expected-error @+1 {{needs 'limit' of at least 1, got 0 (C6)}}
%0 = recipe.dataset "a" "f" format "tokens" {limit = 0 : i64}

// -----

// expected-error @+1 {{needs a 'prompt_loss' from 0 to 1 (C7)}}
%0 = recipe.dataset "a" "f" format "tokens" {prompt_loss = 1.5}

// -----

// expected-error @+1 {{needs strings in 'fields' (C7)}}
%0 = recipe.dataset "a" "f" format "tokens" {fields = {text = 4 : i64}}

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{has lines, and each is a call of an adapter (C8)}}
%1 = recipe.adapt "b" %0 with <<"**", 4 : i64>>

// -----

%0 = recipe.load "a" "m"
%1 = recipe.dataset "d" "f" format "tokens"
// expected-error @+1 {{has as optimizer a call, or a map of calls (C9)}}
%2 = recipe.train "b" %0 on %1 objective <"o", {}> optimizer 4 : i64 batch <2 x 2>

// -----

%0 = recipe.load "a" "m"
%1 = recipe.dataset "d" "f" format "tokens"
// expected-error @+1 {{has 'steps' or 'epochs', not both (C10)}}
%2 = recipe.train "b" %0 on %1 objective <"o", {}> optimizer #recipe.call<"p", {}> batch <2 x 2> {steps = 1 : i64, epochs = 1.0}

// -----

%0 = recipe.load "a" "m"
%1 = recipe.dataset "d" "f" format "tokens"
// expected-error @+1 {{needs positive 'epochs' (C10)}}
%2 = recipe.train "b" %0 on %1 objective <"o", {}> optimizer #recipe.call<"p", {}> batch <2 x 2> {epochs = 0.0}

// -----

%0 = recipe.load "a" "m"
%1 = recipe.dataset "d" "f" format "tokens"
// expected-error @+1 {{has a batch of 4 sequences, which micro-batches of 3 do not divide (C11)}}
%2 = recipe.train "b" %0 on %1 objective <"o", {}> optimizer #recipe.call<"p", {}> batch <4 x 2> {micro_batch = 3 : i64}

// -----

%0 = recipe.load "a" "m"
%1 = recipe.dataset "d" "f" format "tokens"
// expected-error @+1 {{needs a positive 'gradient_clip' (C6)}}
%2 = recipe.train "b" %0 on %1 objective <"o", {}> optimizer #recipe.call<"p", {}> batch <4 x 2> {gradient_clip = 0.0}

// -----

%0 = recipe.load "a" "m"
%1 = recipe.dataset "d" "f" format "tokens"
// expected-error @+1 {{needs 'seed' of at least 0, got -1 (C6)}}
%2 = recipe.train "b" %0 on %1 objective <"o", {}> optimizer #recipe.call<"p", {}> batch <4 x 2> {seed = -1 : i64}

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{needs a 'temperature' of at least 0 (C12)}}
%1 = recipe.generate "b" %0 prompts ["a"] tokens 4 {temperature = -1.0}

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{needs a 'top_p' above 0, at most 1 (C12)}}
%1 = recipe.generate "b" %0 prompts ["a"] tokens 4 {top_p = 0.0}

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{cannot write '!recipe.model' as 'text' (C13)}}
recipe.save "s" %0 as "text" to "x" : !recipe.model

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{has a 'dtype' other than f32, f16 and bf16 (C13)}}
recipe.save "s" %0 as "huggingface" to "x" {dtype = "i8"} : !recipe.model

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{has prompts, or a data set of them (C14)}}
%1 = recipe.generate "b" %0 tokens 4

// -----

%0 = recipe.load "a" "m"
// expected-error @+1 {{has keys (C15)}}
%1 = recipe.configure "b" %0 with {}
