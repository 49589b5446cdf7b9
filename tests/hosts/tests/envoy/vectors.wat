;; A proxy-wasm filter that asks Envoy's `verify_signature` what is in its configuration, and logs the answers in one line:
;; `y` for a yes in the form that the Envoy edition takes for one, `n` for any other answer, `e` where the call fails.
;; The configuration is a row of questions, each behind its length in four bytes, little end first.
(module
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $foreign (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  ;; 16 MiB: nothing is given back.
  (memory (export "memory") 256)
  (data (i32.const 64) "verify_signature")
  (data (i32.const 128) "vectors: ")
  (global $free (mut i32) (i32.const 65536))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $bytes i32) (result i32)
    (global.get $free)
    (global.set $free (i32.and (i32.add (i32.add (global.get $free) (local.get $bytes)) (i32.const 7)) (i32.const -8))))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) i32.const 1)
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0)
  (func (export "proxy_on_done") (param i32) (result i32) i32.const 1)
  (func (export "proxy_on_delete") (param i32))

  ;; Whether the answer that `8` and `12` lead to is `08 01`.
  (func $is_yes (result i32)
    (if (result i32) (i32.eq (i32.load (i32.const 12)) (i32.const 2))
      (then (i32.eq (i32.load16_u (i32.load (i32.const 8))) (i32.const 0x0108)))
      (else (i32.const 0))))

  (func (export "proxy_on_configure") (param $context i32) (param $bytes i32) (result i32)
    (local $at i32) (local $end i32) (local $out i32) (local $length i32)
    (local.set $out (i32.const 137))
    ;; Buffer 7 is the plugin's configuration; `0` and `4` take where it is and its length.
    (if (call $buffer (i32.const 7) (i32.const 0) (local.get $bytes) (i32.const 0) (i32.const 4)) (then unreachable))
    (local.set $at (i32.load (i32.const 0)))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 4))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $length (i32.load (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (if (call $foreign (i32.const 64) (i32.const 16) (local.get $at) (local.get $length) (i32.const 8) (i32.const 12))
          (then (i32.store8 (local.get $out) (i32.const 101)))
          (else (i32.store8 (local.get $out)
            (if (result i32) (call $is_yes) (then (i32.const 121)) (else (i32.const 110))))))
        (local.set $out (i32.add (local.get $out) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (local.get $length)))
        (br $next)))
    (drop (call $log (i32.const 2) (i32.const 128) (i32.sub (local.get $out) (i32.const 128))))
    i32.const 1))
