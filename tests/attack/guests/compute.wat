;;; loop: computes for ever
(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))
;;; loop-in-start: computes for ever before it has begun
(module (memory (export "memory") 1) (func $s (loop (br 0))) (start $s) (func (export "_start")))
;;; loop-of-calls: asks the clock for ever
(module (import "wasi_snapshot_preview1" "clock_time_get" (func $c (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start") (loop (drop (call $c (i32.const 1) (i64.const 0) (i32.const 8))) (br 0))))
;;; loop-of-yields: yields for ever
(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32)))
  (memory (export "memory") 1) (func (export "_start") (loop (drop (call $y)) (br 0))))
;;; loop-of-fills: one instruction that writes much, again and again
(module (memory (export "memory") 256)
  (func (export "_start") (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br 0))))
;;; loop-of-grows: asks for memory that it does not get, for ever
(module (memory (export "memory") 1) (func (export "_start") (loop (drop (memory.grow (i32.const 65535))) (br 0))))
;;; loop-of-exceptions: throws and catches for ever
(module (tag $t) (memory (export "memory") 1)
  (func (export "_start") (loop $again (block $caught (try_table (catch $t $caught) (throw $t))) (br $again))))
;;; random-flood: fills all its memory with random bytes for ever
(module (import "wasi_snapshot_preview1" "random_get" (func $r (param i32 i32) (result i32)))
  (memory (export "memory") 256) (func (export "_start") (loop (drop (call $r (i32.const 0) (i32.const 16777216))) (br 0))))
;;; recursion: calls itself
(module (memory (export "memory") 1) (func $f (export "_start") (call $f)))
;;; recursion-in-start: calls itself before it has begun
(module (memory (export "memory") 1) (func $f (call $f)) (start $f) (func (export "_start")))
;;; recursion-with-calls: calls the host from each level
(module (import "wasi_snapshot_preview1" "clock_time_get" (func $c (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1) (func $f (export "_start") (drop (call $c (i32.const 1) (i64.const 0) (i32.const 8))) (call $f)))
;;; recursion-by-table: calls itself through a table
(module (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) $f) (type $v (func))
  (func $f (export "_start") (call_indirect (type $v) (i32.const 0))))
;;; big-frames: recursion with a thousand values on each level
(module (memory (export "memory") 1)
  (func $f (export "_start") (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (call $f) (i64.store (i32.const 0) (i64.add (local.get 0) (local.get 15)))))
;;; unreachable: stops at once
(module (memory (export "memory") 1) (func (export "_start") unreachable))
;;; division: divides by zero
(module (memory (export "memory") 1) (func (export "_start") (drop (i32.div_u (i32.const 1) (i32.load (i32.const 0))))))
;;; overflow: the one signed division that does not fit
(module (memory (export "memory") 1)
  (func (export "_start") (drop (i32.div_s (i32.const 0x80000000) (i32.sub (i32.load (i32.const 0)) (i32.const 1))))))
;;; conversion: no number as an integer
(module (memory (export "memory") 1) (func (export "_start") (drop (i32.trunc_f64_s (f64.const nan)))))
;;; beyond: reads one byte behind its memory
(module (memory (export "memory") 1) (func (export "_start") (drop (i32.load8_u (i32.const 65536)))))
;;; far-beyond: reads as far behind its memory as an instruction can
(module (memory (export "memory") 1) (func (export "_start") (drop (i64.load offset=0xffffffff (i32.const -1)))))
;;; straddle: writes half inside, half outside
(module (memory (export "memory") 1) (func (export "_start") (i64.store (i32.const 65532) (i64.const -1))))
;;; every-guard: would write into each guard of 4 GiB, one after the other, were there no trap
(module (memory (export "memory") 1) (func (export "_start") (local $at i32)
  (local.set $at (i32.const 65536)) (loop (i32.store8 offset=0x80000000 (local.get $at) (i32.const 1)) (local.set $at (i32.add (local.get $at) (i32.const 4096))) (br 0))))
;;; wrong-signature: calls a function through a table as what it is not
(module (memory (export "memory") 1) (table 1 funcref) (elem (i32.const 0) $g) (type $v (func))
  (func $g (param i32)) (func (export "_start") (call_indirect (type $v) (i32.const 0))))
;;; empty-slot: calls what is not there
(module (memory (export "memory") 1) (table 1 funcref) (type $v (func)) (func (export "_start") (call_indirect (type $v) (i32.const 0))))
;;; beyond-table: calls behind the end of a table
(module (memory (export "memory") 1) (table 1 funcref) (type $v (func)) (func (export "_start") (call_indirect (type $v) (i32.const 99))))
;;; uncaught: throws an exception that nobody catches
(module (tag $t) (memory (export "memory") 1) (func (export "_start") (throw $t)))
;;; memory-at-start: asks for more memory than it may have, to begin with
(module (memory (export "memory") 4096) (func (export "_start")))
;;; data-beyond: has data for a place that is not there
(module (memory (export "memory") 1) (data (i32.const 65530) "0123456789") (func (export "_start")))
;;; grow: takes memory page by page until it gets none, and says how much it had
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (block $full (loop (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
      (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 0x55555555)) (br 0)))
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 4)) (i32.store (i32.const 16) (memory.size))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
;;; table-bomb: grows a table until it gets nothing, and says how much it had
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (table $t 1 funcref)
  (func (export "_start")
    (block $full (loop (br_if $full (i32.eq (table.grow $t (ref.null func) (i32.const 4096)) (i32.const -1))) (br 0)))
    (drop (table.grow $t (ref.null func) (i32.const -1)))
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 4)) (i32.store (i32.const 16) (table.size $t))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
;;; no-start: has nothing to begin with
(module (memory (export "memory") 1))
;;; start-is-memory: what it begins with is no function
(module (memory (export "memory") (export "_start") 1))
;;; no-memory: speaks without a memory
(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32))) (func (export "_start") (drop (call $y))))
;;; memory-is-global: what it calls its memory is a number
(module (memory 1) (global (export "memory") i32 (i32.const 0)) (func (export "_start")))
;;; start-wants-arguments: what it begins with takes a number
(module (memory (export "memory") 1) (func (export "_start") (param i32)))
;;; stdout-flood: writes without end
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 65536))
    (loop (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))
;;; stdout-crumbs: writes without end, byte by byte
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1))
    (loop (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br 0))))
;;; stdout-vector: one write that names the whole memory a thousand times
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 256)
  (func (export "_start") (local $at i32)
    (loop (i32.store (local.get $at) (i32.const 0)) (i32.store offset=4 (local.get $at) (i32.const 16777216))
      (local.set $at (i32.add (local.get $at) (i32.const 8))) (br_if 0 (i32.lt_u (local.get $at) (i32.const 8192))))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 9000)))))
;;; stderr-flood: logs 64 MiB, then answers
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 17)
  (func (export "_start") (local $n i32) (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1048576))
    (loop (drop (call $w (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $n) (i32.const 64))))
    (i32.store (i32.const 4) (i32.const 2)) (i32.store16 (i32.const 16) (i32.const 0x6b6f))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
;;; sleep: sleeps for an hour
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))
;;; sleep-for-ever: sleeps as long as a number can say
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const -1))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))
;;; sleep-in-start: sleeps for an hour before it has begun
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (start $s) (func (export "_start"))
  (func $s (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 3600000000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))
;;; naps: sleeps a microsecond, for ever
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 1000))
    (loop (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))) (br 0))))
;;; polls: four thousand sleeps at once, for ever
(module (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "_start")
    (loop (drop (call $p (i32.const 0) (i32.const 262144) (i32.const 4096) (i32.const 400000))) (br 0))))
;;; exit: ends with the code that it reads
(module (import "wasi_snapshot_preview1" "fd_read" (func $r (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $x (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 4))
    (drop (call $r (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))) (call $x (i32.load (i32.const 16))) unreachable))
;;; exit-in-start: ends before it has begun
(module (import "wasi_snapshot_preview1" "proc_exit" (func $x (param i32)))
  (memory (export "memory") 1) (func $s (call $x (i32.const 7))) (start $s) (func (export "_start")))
;;; leftovers: says what it finds in memory, globals and table, then marks all of them
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 256) (global $g (mut i64) (i64.const 0)) (table $t 4 funcref)
  (func $mark)
  (elem declare func $mark)
  (func (export "_start") (local $at i32) (local $sum i32)
    (local.set $at (i32.const 64))
    (loop (local.set $sum (i32.or (local.get $sum) (i32.load (local.get $at))))
      (i32.store (local.get $at) (i32.const 0x5ec4e701))
      (local.set $at (i32.add (local.get $at) (i32.const 4))) (br_if 0 (i32.lt_u (local.get $at) (i32.const 16777216))))
    (i32.store (i32.const 16) (local.get $sum))
    (i32.store (i32.const 20) (i32.wrap_i64 (global.get $g)))
    (i32.store (i32.const 24) (i32.eqz (ref.is_null (table.get $t (i32.const 1)))))
    (i32.store (i32.const 28) (memory.size))
    (global.set $g (i64.const -1)) (table.set $t (i32.const 1) (ref.func $mark))
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 16))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
;;; nans: numbers that are none, from every operation that makes them, as bits
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (f64.store (i32.const 64) (f64.div (f64.load (i32.const 32)) (f64.load (i32.const 32))))
    (i64.store (i32.const 40) (i64.const 0x7ff8dead0000beef))
    (f64.store (i32.const 72) (f64.add (f64.load (i32.const 40)) (f64.const 1)))
    (f64.store (i32.const 80) (f64.sqrt (f64.const -1)))
    (f64.store (i32.const 88) (f64.sub (f64.const inf) (f64.const inf)))
    (f64.store (i32.const 96) (f64.min (f64.load (i32.const 40)) (f64.const 0)))
    (f32.store (i32.const 104) (f32.demote_f64 (f64.load (i32.const 40))))
    (f32.store (i32.const 108) (f32.mul (f32.const 0) (f32.const inf)))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 48))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
;;; observe: randomness, both clocks and how long a nap was
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $r (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $c (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $p (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $r (i32.const 1024) (i32.const 1000)))
    (drop (call $c (i32.const 0) (i64.const 0) (i32.const 2048))) (drop (call $c (i32.const 1) (i64.const 0) (i32.const 2056)))
    (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 2000000))
    (drop (call $p (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
    (drop (call $c (i32.const 0) (i64.const 0) (i32.const 2064))) (drop (call $c (i32.const 1) (i64.const 0) (i32.const 2072)))
    (drop (call $r (i32.const 2080) (i32.const 77)))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1200))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
