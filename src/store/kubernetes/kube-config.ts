/** What is used of the Kubernetes client: a megabyte of code, loaded by those alone who ask a cluster. */
export { KubeConfig } from "@kubernetes/client-node/dist/config.js";
