import { z } from 'zod';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { textSchema, workspaceIdSchema } from '../lib/schemas.ts';
import {
  getWorkspace,
  putWorkspace,
  type WorkspaceServices,
  workspaceSchema,
  workspaceStateSchema,
} from './workspaces.ts';

export const workspaceParamsSchema = z.strictObject({ id: workspaceIdSchema });

export const workspaceInputSchema = z.strictObject({ name: textSchema(200) });

export function workspaceRoutes(services: WorkspaceServices): Endpoint[] {
  return [
    endpoint({
      method: 'PUT',
      path: '/v1/workspaces/:id',
      tag: 'Workspaces',
      summary: 'Create a workspace under your own id, or rename it',
      params: workspaceParamsSchema,
      body: workspaceInputSchema,
      answers: { 200: workspaceSchema, 201: workspaceSchema },
      refusals: [],
      handle: async ({ params, body }) => {
        const { workspace, isNew } = await putWorkspace(services, { ...params, ...body });
        return { status: isNew ? 201 : 200, body: workspace };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v1/workspaces/:id',
      tag: 'Workspaces',
      summary: 'What a workspace may use and spend now',
      params: workspaceParamsSchema,
      answers: { 200: workspaceStateSchema },
      refusals: ['workspace_not_found'],
      handle: async ({ params }) => ({ body: await getWorkspace(services, params.id) }),
    }),
  ];
}
