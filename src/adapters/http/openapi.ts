export const operations = {
  listTasks: {},
  createTask: {},
  getTask: {},
  putTask: {},
  patchTask: {},
  completeTask: {},
  deleteTask: {},
  health: {},
  ready: {},
  root: {},
}
