;; SPDX-License-Identifier: Apache-2.0
(module (import "env" "nobody_has_it" (func)) (func (export "_start")))
