// npm run erd: writes docs/ERD.md from prisma/schema.prisma. With --check it only says whether the file is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import internals from '@prisma/internals';

type Dmmf = Awaited<ReturnType<typeof internals.getDMMF>>;
type Model = Dmmf['datamodel']['models'][number];
type Field = Model['fields'][number];
type Enum = Dmmf['datamodel']['enums'][number];

const ROOT = join(import.meta.dirname, '..');
const TARGET = join(ROOT, 'docs', 'ERD.md');

/** What docs/ERD.md must say for the model of today. */
export async function erdOfToday(): Promise<string> {
  return erd(await readModel(readFileSync(join(ROOT, 'prisma', 'schema.prisma'), 'utf8')));
}

export async function writeErd(): Promise<void> {
  writeFileSync(TARGET, await erdOfToday());
}

/** Whether docs/ERD.md says what it must. */
export async function isErdFresh(): Promise<boolean> {
  return readFileSync(TARGET, 'utf8') === (await erdOfToday());
}

/** The model of a Prisma schema, as Prisma itself understands it. */
export function readModel(schema: string): Promise<Dmmf> {
  return internals.getDMMF({ datamodel: schema });
}

/** The diagram: entities with their fields, relations, enums and a legend. */
export function erd({ datamodel: { models, enums } }: Dmmf): string {
  return `# Entity Relationship Diagram

This ERD is automatically generated from the Prisma schema.

\`\`\`mermaid
erDiagram

${models.map(entity).join('')}  %% Relationships
${models.flatMap(relationships).join('')}
  %% Enums as entities
${enums.map((type) => enumEntity(type, models)).join('\n')}

\`\`\`

## Legend

### Field Attributes

- PK: Primary Key
- UK: Unique Key
- OPTIONAL: Nullable field

### Relationships

- }|--||: Many-to-One
- }|--o|: Many-to-One (Optional)

### Notes

- Model comments are shown as %% comments
- Enum types are shown as separate entities with their possible values
`;
}

function entity(model: Model): string {
  const fields = model.fields.filter(isShown).map((field) => `    ${attribute(field, model)}\n`);
  return `  %% ${model.name}: ${model.documentation ?? model.name}\n  ${model.name} {\n${fields.join('')}  }\n\n`;
}

/** The far side of a relation is shown only where the schema describes it with a `///` comment. */
function isShown(field: Field): boolean {
  return field.kind !== 'object' || holdsKey(field) || field.documentation !== undefined;
}

function attribute(field: Field, model: Model): string {
  const marks = [];
  // Of a key of several columns the first one names the row; the others only say where it lives.
  if (field.isId || model.primaryKey?.fields[0] === field.name) marks.push('PK');
  if (!field.isRequired && !field.isList) marks.push('OPTIONAL');
  if (field.isUnique) marks.push('UK');
  return `${field.name} ${field.type}${marks.length > 0 ? ` "${marks.join(' ')}"` : ''}`;
}

function relationships(model: Model): string[] {
  return model.fields.filter(holdsKey).map((field) => {
    const [line, label] = field.isRequired
      ? ['}|--||', 'belongs to']
      : ['}|--o|', `optional ${words(field.name)}`];
    return `  ${model.name} ${line} ${field.type} : "${label}"\n`;
  });
}

function holdsKey(field: Field): boolean {
  return (field.relationFromFields?.length ?? 0) > 0;
}

/** An enum's values stand under the last word of the first field that has it: `platform` for `paymentPlatform`. */
function enumEntity(type: Enum, models: readonly Model[]): string {
  const field = models.flatMap((model) => model.fields).find((candidate) => candidate.type === type.name);
  const name = words(field?.name ?? type.name)
    .split(' ')
    .at(-1);
  return `  ${type.name} {\n    ${name} ENUM "${type.values.map((value) => value.name).join(' ')}"\n  }\n`;
}

/** `paymentUser` as `payment user`. */
function words(camelCase: string): string {
  return camelCase.replace(/(?<=[a-z])[A-Z]/g, ' $&').toLowerCase();
}

if (import.meta.main) {
  if (!process.argv.includes('--check')) await writeErd();
  else if (!(await isErdFresh())) {
    console.error(
      'docs/ERD.md is not what prisma/schema.prisma says: run `npm run generate` and commit the result.',
    );
    process.exitCode = 1;
  }
}
