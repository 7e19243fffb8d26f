;; {{name}}: an MPP tool as WebAssembly text, without any library. It shows what the host and a tool say to each other.
;;
;; The host writes one line to standard input, without white space between values, the arguments before the context:
;;   {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"Ada"},"_meta":{...}}}
;; The tool writes one line to standard output. This one copies what stands between the quotation marks of the argument
;; `name` as it is: it is the inside of a JSON text there, and it becomes the inside of a JSON text here.
;;
;; It relies on that form, and on the manifest, which lets only this one argument through. A tool that does more than this
;; is better written in a language with an SDK.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))

  ;; 0: one span (address, size) for fd_read and fd_write; 8: how much was read or written
  ;; 1024: constants; 4096: the request, at most 1 MiB and a byte more; 1114112: the reply
  (memory (export "memory") 34)
  (global $out (mut i32) (i32.const 1114112))

  (data (i32.const 1024) "\"arguments\":{\"name\":\"")                                         ;; 21 bytes
  (data (i32.const 1056) "World")                                                              ;; 5
  (data (i32.const 1072) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Hello, ")  ;; 75
  (data (i32.const 1168) "!\"}],\"structuredContent\":{\"greeting\":\"Hello, ")                ;; 45
  (data (i32.const 1232) "!\"},\"isError\":false}}\n")                                         ;; 22

  ;; Reads standard input to its end; the number of bytes.
  (func $read (result i32)
    (local $size i32)
    (block $done
      (loop $more
        (br_if $done (i32.ge_u (local.get $size) (i32.const 1048577)))
        (i32.store (i32.const 0) (i32.add (i32.const 4096) (local.get $size)))
        (i32.store (i32.const 4) (i32.sub (i32.const 1048577) (local.get $size)))
        (br_if $done (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br_if $done (i32.eqz (i32.load (i32.const 8))))
        (local.set $size (i32.add (local.get $size) (i32.load (i32.const 8))))
        (br $more)))
    (local.get $size))

  ;; Are the $size bytes at $a those at $b?
  (func $same (param $a i32) (param $b i32) (param $size i32) (result i32)
    (local $i i32)
    (block $no
      (loop $next
        (if (i32.eq (local.get $i) (local.get $size)) (then (return (i32.const 1))))
        (br_if $no (i32.ne (i32.load8_u (i32.add (local.get $a) (local.get $i))) (i32.load8_u (i32.add (local.get $b) (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Adds bytes to the reply.
  (func $add (param $from i32) (param $size i32)
    (memory.copy (global.get $out) (local.get $from) (local.get $size))
    (global.set $out (i32.add (global.get $out) (local.get $size))))

  (func (export "_start")
    (local $at i32) (local $end i32) (local $name i32) (local $size i32)
    (local.set $end (i32.add (i32.const 4096) (call $read)))
    ;; Without the argument it is "World".
    (local.set $name (i32.const 1056))
    (local.set $size (i32.const 5))
    (local.set $at (i32.const 4096))
    (block $searched
      (loop $next
        (br_if $searched (i32.gt_u (i32.add (local.get $at) (i32.const 21)) (local.get $end)))
        (if (call $same (local.get $at) (i32.const 1024) (i32.const 21))
          (then
            (local.set $name (i32.add (local.get $at) (i32.const 21)))
            (local.set $at (local.get $name))
            (block $ended
              (loop $char
                (br_if $ended (i32.ge_u (local.get $at) (local.get $end)))
                (br_if $ended (i32.eq (i32.load8_u (local.get $at)) (i32.const 34)))
                ;; After a back slash comes a character that ends nothing.
                (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 92)) (then (local.set $at (i32.add (local.get $at) (i32.const 1)))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br $char)))
            (local.set $size (i32.sub (local.get $at) (local.get $name)))
            (br $searched)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    ;; A name that the manifest would not let through is not copied: the reply lies behind the request, with room for two.
    (if (i32.gt_u (local.get $size) (i32.const 500000)) (then unreachable))
    (call $add (i32.const 1072) (i32.const 75))
    (call $add (local.get $name) (local.get $size))
    (call $add (i32.const 1168) (i32.const 45))
    (call $add (local.get $name) (local.get $size))
    (call $add (i32.const 1232) (i32.const 22))
    (i32.store (i32.const 0) (i32.const 1114112))
    (i32.store (i32.const 4) (i32.sub (global.get $out) (i32.const 1114112)))
    (loop $write
      (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 8))))
      (i32.store (i32.const 4) (i32.sub (i32.load (i32.const 4)) (i32.load (i32.const 8))))
      (br_if $write (i32.load (i32.const 4))))))
