;; What std's leftover WASI calls get for an answer, so that the component imports nothing.
;;
;; The guest is built for wasm32-wasip1, whose std can write to stderr, read the environment and
;; exit. The policy does none of it; what is left in the module is std's own panic path. `cargo
;; xtask components` links this file in its place (wit-component calls that an adapter).
;;
;; Only what the guest calls is answered. A call that is new (a clock, randomness, a file) has no
;; function here and fails the build: that is wanted. Decide first whether the core may have it.
;;
;; Signatures: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md

(module
  ;; The guest's own memory.
  (import "env" "memory" (memory 0))

  ;; The environment is empty: no variables, no bytes. A panic asks for RUST_BACKTRACE.
  (func (export "environ_sizes_get") (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0)) ;; success

  (func (export "environ_get") (param $environ i32) (param $buffer i32) (result i32)
    (i32.const 0)) ;; success, nothing to write

  ;; Nothing is open, stderr neither: a panic message goes nowhere, std takes that in its stride.
  (func (export "fd_write") (param $fd i32) (param $iovs i32) (param $count i32) (param $written i32) (result i32)
    (i32.const 8)) ;; badf

  ;; There is no process to leave: a trap, which the host answers with 503.
  (func (export "proc_exit") (param $code i32)
    (unreachable))
)
