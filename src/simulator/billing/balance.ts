import { emit, previousOf } from '../events.ts';
import { liveCustomer } from '../livingCustomers.ts';
import type { World } from '../world.ts';

/** Below zero, the balance is money that the customer has for later invoices; above, what they still owe. */
export function changeBalance(world: World, customer: string, by: number): void {
  if (by === 0) return;
  const before = liveCustomer(world, customer);
  const after = { ...before, balance: before.balance + by };
  world.store.put('customer', after);
  emit(world, {
    type: 'customer.updated',
    data: { object: after, previous_attributes: previousOf(before, after) },
  });
}
