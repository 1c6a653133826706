/**
 * Pairs rows with columns at the least total cost (Hungarian algorithm with potentials, O(n² m)).
 *
 * @param costs rows x columns, finite; every row of equal length.
 * @returns for each row its column, or -1; as many pairs as the smaller side has.
 * @see Kuhn 1955; Jonker and Volgenant 1987.
 */
export function assignCheapest(costs: readonly (readonly number[])[]): number[] {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  if (columns === 0) return costs.map(() => -1);
  if (rows <= columns) return assignRows(costs, columns);
  const transposed = Array.from({ length: columns }, (_, c) => costs.map((row) => row[c]!));
  const rowOf = assignRows(transposed, rows);
  const result = new Array<number>(rows).fill(-1);
  rowOf.forEach((row, column) => {
    result[row] = column;
  });
  return result;
}

/** At most as many rows as columns. Index 0 of the arrays is a sentinel. */
function assignRows(costs: readonly (readonly number[])[], columns: number): number[] {
  const rowPotential = new Float64Array(costs.length + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  for (let row = 1; row <= costs.length; row++) {
    augment(costs, row, rowOf, rowPotential, columnPotential);
  }
  const result = new Array<number>(costs.length).fill(-1);
  for (let column = 1; column <= columns; column++) {
    if (rowOf[column]! > 0) result[rowOf[column]! - 1] = column - 1;
  }
  return result;
}

/** Gives one more row a column along the cheapest augmenting path. */
function augment(
  costs: readonly (readonly number[])[],
  start: number,
  rowOf: Int32Array,
  rowPotential: Float64Array,
  columnPotential: Float64Array,
): void {
  const size = rowOf.length;
  const slack = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  const previous = new Int32Array(size);
  const isUsed = new Uint8Array(size);
  rowOf[0] = start;
  let column = 0;
  do {
    isUsed[column] = 1;
    const row = rowOf[column]!;
    let next = 0;
    let delta = Number.POSITIVE_INFINITY;
    for (let j = 1; j < size; j++) {
      if (isUsed[j] === 1) continue;
      const reduced = costs[row - 1]![j - 1]! - rowPotential[row]! - columnPotential[j]!;
      if (reduced < slack[j]!) {
        slack[j] = reduced;
        previous[j] = column;
      }
      if (slack[j]! < delta) {
        delta = slack[j]!;
        next = j;
      }
    }
    shiftPotentials(delta, isUsed, slack, rowOf, rowPotential, columnPotential);
    column = next;
  } while (rowOf[column] !== 0);
  while (column !== 0) {
    const before = previous[column]!;
    rowOf[column] = rowOf[before]!;
    column = before;
  }
}

function shiftPotentials(
  delta: number,
  isUsed: Uint8Array,
  slack: Float64Array,
  rowOf: Int32Array,
  rowPotential: Float64Array,
  columnPotential: Float64Array,
): void {
  for (let j = 0; j < isUsed.length; j++) {
    if (isUsed[j] === 1) {
      rowPotential[rowOf[j]!]! += delta;
      columnPotential[j]! -= delta;
    } else {
      slack[j]! -= delta;
    }
  }
}
