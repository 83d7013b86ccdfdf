;; SPDX-License-Identifier: Apache-2.0
;; cat: copies standard input; cat N PATH: the file PATH below the directory that is descriptor N. Ends with WASI's
;; number of the error where there is none.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $length (param $s i32) (result i32) (local $n i32)
    (loop $l
      (if (i32.load8_u (i32.add (local.get $s) (local.get $n)))
        (then (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $l))))
    (local.get $n))
  (func (export "_start") (local $r i32) (local $path i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $args (i32.const 16) (i32.const 1024)))
    (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 2))
      (then
        (local.set $path (i32.load (i32.const 24)))
        (local.set $r
          (call $open (i32.sub (i32.load8_u (i32.load (i32.const 20))) (i32.const 48)) (i32.const 1)
            (local.get $path) (call $length (local.get $path)) (i32.const 0)
            (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 8)))
        (if (local.get $r) (then (call $exit (local.get $r))))))
    (loop $l
      (i32.store (i32.const 512) (i32.const 65536))
      (i32.store (i32.const 516) (i32.const 4096))
      (if (call $read (i32.load (i32.const 8)) (i32.const 512) (i32.const 1) (i32.const 520)) (then (call $exit (i32.const 1))))
      (if (i32.load (i32.const 520))
        (then
          (i32.store (i32.const 516) (i32.load (i32.const 520)))
          (drop (call $write (i32.const 1) (i32.const 512) (i32.const 1) (i32.const 524)))
          (br $l))))))
