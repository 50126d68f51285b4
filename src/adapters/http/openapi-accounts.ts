export const accountOperations = {
  signUp: {},
  signIn: {},
  signOut: {},
  deleteUser: {},
  getSession: {},
  getToken: {},
  getKeys: {},
}
