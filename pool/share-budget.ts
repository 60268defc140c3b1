/** Divides a memory budget between pools. autosizer.ts asks. */

export interface BudgetWish {
  floor: number;
  /** At least the floor. */
  wanted: number;
  /** What one parked sandbox takes. */
  bytesEach: number;
}

/**
 * How many sandboxes each pool may keep: what it wants if all fits. If not, floors come first, and the rest is divided
 * by what each wants above its floor. Floors are promises: they are kept even where they alone exceed the budget.
 */
export function shareBudget(wishes: BudgetWish[], budgetBytes: number): number[] {
  const floors = wishes.reduce((sum, { floor, bytesEach }) => sum + floor * bytesEach, 0);
  const above = wishes.reduce((sum, { floor, wanted, bytesEach }) => sum + (wanted - floor) * bytesEach, 0);
  const share = above === 0 ? 1 : Math.min(1, Math.max(0, budgetBytes - floors) / above);
  return wishes.map(({ floor, wanted }) => floor + Math.floor((wanted - floor) * share));
}
