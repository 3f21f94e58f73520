/**
 * The call that adds a job to a statement: its id is an expression of it. One waiting job an id and task; asking again for
 * one that runs, or was left behind locked, makes another.
 */
export function addJob(task: string, id: string): string {
  return `graphile_worker.add_job(
        '${task}', json_build_object('id', ${id}), job_key => '${task}:' || ${id}, job_key_mode => 'preserve_run_at'
      )`;
}

/** The call that adds a job for each row of a statement, of which there must be one at least. */
export function addJobs(task: string, payload: string): string {
  return `graphile_worker.add_jobs(array_agg(
        ('${task}', ${payload}, null, null, null, null, null, null)::graphile_worker.job_spec
      ))`;
}
