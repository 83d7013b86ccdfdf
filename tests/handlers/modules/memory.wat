;; SPDX-License-Identifier: Apache-2.0
;; memory: takes 16 MiB more and fills them, sixteen times.
(module
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $l
      (memory.fill
        (i32.mul (memory.grow (i32.const 256)) (i32.const 65536)) (i32.const 1) (i32.const 16777216))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $n) (i32.const 16))))))
