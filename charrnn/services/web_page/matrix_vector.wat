;; Multiply a matrix with a vector, four rows and four columns at a time.
;;
;; Each row has four sums: sum k adds the products of columns k, k + 4, k + 8, … in this order. The result is
;; (sum 0 + sum 1) + (sum 2 + sum 3). All numbers are float32; network.js computes exactly the same without SIMD.
(module
  (import "page" "memory" (memory 1))
  (func (export "multiply")
    (param $matrix i32)   ;; address of the rows, one after the other
    (param $vector i32)   ;; address of the vector
    (param $result i32)   ;; address of the result
    (param $columns i32)  ;; a multiple of 4, at least 4
    (param $rows i32)     ;; a multiple of 4, at least 4
    (local $row_bytes i32) (local $result_end i32) (local $vector_end i32) (local $at i32)
    (local $row_0 i32) (local $row_1 i32) (local $row_2 i32) (local $row_3 i32)
    (local $sums_0 v128) (local $sums_1 v128) (local $sums_2 v128) (local $sums_3 v128) (local $x v128)
    local.get $columns i32.const 2 i32.shl local.set $row_bytes
    local.get $vector local.get $row_bytes i32.add local.set $vector_end
    local.get $result local.get $rows i32.const 2 i32.shl i32.add local.set $result_end
    local.get $matrix local.set $row_0
    loop $next_rows
      local.get $row_0 local.get $row_bytes i32.add local.tee $row_1
      local.get $row_bytes i32.add local.tee $row_2
      local.get $row_bytes i32.add local.set $row_3
      v128.const i32x4 0 0 0 0 local.tee $sums_0 local.tee $sums_1 local.tee $sums_2 local.set $sums_3
      local.get $vector local.set $at
      loop $next_columns
        local.get $at v128.load local.set $x
        local.get $sums_0 local.get $row_0 v128.load local.get $x f32x4.mul f32x4.add local.set $sums_0
        local.get $sums_1 local.get $row_1 v128.load local.get $x f32x4.mul f32x4.add local.set $sums_1
        local.get $sums_2 local.get $row_2 v128.load local.get $x f32x4.mul f32x4.add local.set $sums_2
        local.get $sums_3 local.get $row_3 v128.load local.get $x f32x4.mul f32x4.add local.set $sums_3
        local.get $row_0 i32.const 16 i32.add local.set $row_0
        local.get $row_1 i32.const 16 i32.add local.set $row_1
        local.get $row_2 i32.const 16 i32.add local.set $row_2
        local.get $row_3 i32.const 16 i32.add local.set $row_3
        local.get $at i32.const 16 i32.add local.tee $at
        local.get $vector_end i32.lt_u br_if $next_columns
      end
      local.get $result
      local.get $sums_0 f32x4.extract_lane 0 local.get $sums_0 f32x4.extract_lane 1 f32.add
      local.get $sums_0 f32x4.extract_lane 2 local.get $sums_0 f32x4.extract_lane 3 f32.add
      f32.add f32.store
      local.get $result
      local.get $sums_1 f32x4.extract_lane 0 local.get $sums_1 f32x4.extract_lane 1 f32.add
      local.get $sums_1 f32x4.extract_lane 2 local.get $sums_1 f32x4.extract_lane 3 f32.add
      f32.add f32.store offset=4
      local.get $result
      local.get $sums_2 f32x4.extract_lane 0 local.get $sums_2 f32x4.extract_lane 1 f32.add
      local.get $sums_2 f32x4.extract_lane 2 local.get $sums_2 f32x4.extract_lane 3 f32.add
      f32.add f32.store offset=8
      local.get $result
      local.get $sums_3 f32x4.extract_lane 0 local.get $sums_3 f32x4.extract_lane 1 f32.add
      local.get $sums_3 f32x4.extract_lane 2 local.get $sums_3 f32x4.extract_lane 3 f32.add
      f32.add f32.store offset=12
      local.get $row_3 local.set $row_0  ;; row 3 ends where the next four begin
      local.get $result i32.const 16 i32.add local.tee $result
      local.get $result_end i32.lt_u br_if $next_rows
    end))
