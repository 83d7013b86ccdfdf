;; SPDX-License-Identifier: Apache-2.0
;; exit N: ends with the number N.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $p i32) (local $n i32)
    (drop (call $args (i32.const 16) (i32.const 1024)))
    (local.set $p (i32.load (i32.const 20)))
    (loop $digits
      (if (i32.load8_u (local.get $p))
        (then
          (local.set $n
            (i32.add
              (i32.mul (local.get $n) (i32.const 10))
              (i32.sub (i32.load8_u (local.get $p)) (i32.const 48))))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $digits))))
    (call $exit (local.get $n))))
