;; SPDX-License-Identifier: Apache-2.0
;; server: answers one HTTP request on port 1234 after the other with what it was sent, by WasmEdge's sockets.
(module
  (import "wasi_snapshot_preview1" "sock_open" (func $open (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_bind" (func $bind (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_listen" (func $listen (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "HTTP/1.0 200 OK\0d\0a\0d\0aecho: ")
  (func $check (param $r i32) (param $status i32)
    (if (local.get $r) (then (call $exit (local.get $status)))))
  (func (export "_start") (local $n i32)
    (call $check (call $open (i32.const 1) (i32.const 2) (i32.const 0)) (i32.const 1))
    (i32.store (i32.const 16) (i32.const 64)) ;; the address 0.0.0.0
    (i32.store (i32.const 20) (i32.const 4))
    (call $check (call $bind (i32.load (i32.const 0)) (i32.const 16) (i32.const 1234)) (i32.const 2))
    (call $check (call $listen (i32.load (i32.const 0)) (i32.const 8)) (i32.const 3))
    (loop $next
      (call $check (call $accept (i32.load (i32.const 0)) (i32.const 4)) (i32.const 4))
      (i32.store (i32.const 32) (i32.const 4096))
      (i32.store (i32.const 36) (i32.const 8192))
      (call $check
        (call $recv (i32.load (i32.const 4)) (i32.const 32) (i32.const 1) (i32.const 0) (i32.const 40) (i32.const 44))
        (i32.const 5))
      (i32.store (i32.const 48) (i32.const 256))
      (i32.store (i32.const 52) (i32.const 25))
      (i32.store (i32.const 56) (i32.const 4096))
      (i32.store (i32.const 60) (i32.load (i32.const 40)))
      (call $check
        (call $send (i32.load (i32.const 4)) (i32.const 48) (i32.const 2) (i32.const 0) (i32.const 72))
        (i32.const 6))
      (drop (call $close (i32.load (i32.const 4))))
      (br $next))))
