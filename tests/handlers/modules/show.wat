;; SPDX-License-Identifier: Apache-2.0
;; show: prints its arguments, and then its environment, each word with a NUL behind it.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $arg_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    ;; the size is where the length of the buffer to write is
    (drop (call $arg_sizes (i32.const 0) (i32.const 12)))
    (drop (call $args (i32.const 1024) (i32.const 8192)))
    (i32.store (i32.const 8) (i32.const 8192))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
    (drop (call $env_sizes (i32.const 0) (i32.const 12)))
    (drop (call $env (i32.const 16384) (i32.const 32768)))
    (i32.store (i32.const 8) (i32.const 32768))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))
