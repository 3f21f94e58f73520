import type { World } from '../world.ts';
import type { Form } from './form.ts';
import { type Params, readParams, type Shape } from './params.ts';

export type Method = 'GET' | 'POST' | 'DELETE';
export type Route = {
  method: Method;
  path: string;
  run: (world: World, form: Form, ids: string[]) => object;
};

/** A verb, its parameters read by their shape. Paths name one or two ids, as `:id`. */
export function route<S extends Shape>(
  method: Method,
  path: string,
  shape: S,
  verb: (world: World, params: Params<S>, id: string, innerId: string) => object,
): Route {
  return {
    method,
    path,
    run: (world, form, [id = '', innerId = '']) => verb(world, readParams(shape, form), id, innerId),
  };
}
