;; A proxy-wasm filter that does nothing. It has every function that Envoy calls of the Envoy edition for a request, so
;; it is entered as often, and asks Envoy for nothing: what is left is the price of being a proxy-wasm filter.
(module
  (memory (export "memory") 1)
  (func (export "proxy_abi_version_0_2_1"))
  ;; Envoy demands it, and calls it where it hands over bytes: it hands over none here.
  (func (export "proxy_on_memory_allocate") (param $bytes i32) (result i32) i32.const 1024)

  (func (export "proxy_on_vm_start") (param $context i32) (param $bytes i32) (result i32) i32.const 1)
  (func (export "proxy_on_configure") (param $context i32) (param $bytes i32) (result i32) i32.const 1)
  (func (export "proxy_on_context_create") (param $context i32) (param $parent i32))

  ;; 0 is "continue".
  (func (export "proxy_on_request_headers") (param $context i32) (param $count i32) (param $is_last i32) (result i32) i32.const 0)
  (func (export "proxy_on_request_body") (param $context i32) (param $bytes i32) (param $is_last i32) (result i32) i32.const 0)
  (func (export "proxy_on_request_trailers") (param $context i32) (param $count i32) (result i32) i32.const 0)
  (func (export "proxy_on_response_headers") (param $context i32) (param $count i32) (param $is_last i32) (result i32) i32.const 0)
  (func (export "proxy_on_response_body") (param $context i32) (param $bytes i32) (param $is_last i32) (result i32) i32.const 0)
  (func (export "proxy_on_response_trailers") (param $context i32) (param $count i32) (result i32) i32.const 0)

  ;; 1 is "done, nothing is awaited".
  (func (export "proxy_on_done") (param $context i32) (result i32) i32.const 1)
  (func (export "proxy_on_log") (param $context i32))
  (func (export "proxy_on_delete") (param $context i32)))
