// Generated from crds/ by `npm run generate`. Do not edit.
/** JSON Schema of each kind's spec. */
export const SPEC_SCHEMAS = {
  "DeviceClaim": {
    "type": "object",
    "description": "What the task asks for.",
    "required": [
      "flow",
      "run",
      "node",
      "index",
      "required",
      "count",
      "sharing"
    ],
    "properties": {
      "flow": {
        "type": "string",
        "description": "Name of the flow."
      },
      "run": {
        "type": "string",
        "description": "Identity of the run."
      },
      "node": {
        "type": "string",
        "description": "Name of the node."
      },
      "index": {
        "type": "integer",
        "minimum": 0,
        "description": "Number of the task in its node."
      },
      "required": {
        "type": "boolean",
        "description": "Without a device the flow is refused."
      },
      "count": {
        "type": "integer",
        "minimum": 1,
        "description": "Devices of the task."
      },
      "memoryMiB": {
        "type": "integer",
        "minimum": 1,
        "description": "Memory that each device must have or give."
      },
      "product": {
        "type": "string",
        "description": "Text that the product name must contain."
      },
      "sharing": {
        "type": "string",
        "enum": [
          "Exclusive",
          "Shared"
        ],
        "description": "Whether the device is shared by memory."
      }
    },
    "additionalProperties": false
  },
  "FlowTask": {
    "type": "object",
    "description": "What the agent must run.",
    "required": [
      "flow",
      "flowType",
      "run",
      "flowTasks",
      "node",
      "index",
      "nbTasks",
      "host",
      "desiredState",
      "deviceType",
      "members",
      "channels",
      "env",
      "restart",
      "retries",
      "startupDeadlineSeconds",
      "terminationGracePeriodSeconds",
      "templateHash"
    ],
    "properties": {
      "flow": {
        "type": "string",
        "description": "Name of the flow."
      },
      "flowType": {
        "type": "string",
        "enum": [
          "Batch",
          "Realtime"
        ],
        "description": "Type of the flow."
      },
      "run": {
        "type": "string",
        "description": "Identity of the run, <flow uid>-<run number>; names the shared memory."
      },
      "flowTasks": {
        "type": "integer",
        "minimum": 1,
        "description": "Number of tasks of the flow; the agent starts none before it sees all."
      },
      "node": {
        "type": "string",
        "description": "Name of the node or of the task group."
      },
      "index": {
        "type": "integer",
        "minimum": 0,
        "description": "Number of the task in its node."
      },
      "nbTasks": {
        "type": "integer",
        "minimum": 1,
        "description": "Number of tasks of the node."
      },
      "host": {
        "type": "string",
        "description": "Name of the Host that runs the task."
      },
      "desiredState": {
        "type": "string",
        "enum": [
          "Running",
          "Stopped"
        ],
        "description": "Stopped asks the task to drain and end."
      },
      "deviceType": {
        "type": "string",
        "enum": [
          "CPU",
          "GPU"
        ],
        "description": "What was granted."
      },
      "claim": {
        "type": "string",
        "description": "Name of the DeviceClaim that holds the task's GPUs; absent on the CPU."
      },
      "members": {
        "type": "array",
        "minItems": 1,
        "description": "The nodes that run in this process, in topological order; more than one in a task group.",
        "items": {
          "type": "object",
          "required": [
            "name",
            "role",
            "component",
            "params",
            "inputs"
          ],
          "properties": {
            "name": {
              "type": "string",
              "description": "Name of the node."
            },
            "role": {
              "type": "string",
              "enum": [
                "Producer",
                "Processor",
                "Consumer"
              ],
              "description": "Role of the node."
            },
            "component": {
              "type": "string",
              "description": "Built-in name or <absolute path>#Export."
            },
            "params": {
              "type": "object",
              "description": "What the constructor gets.",
              "additionalProperties": true
            },
            "inputs": {
              "type": "array",
              "items": {
                "type": "string"
              },
              "description": "Names of the parents, members of the group or other nodes."
            }
          },
          "additionalProperties": false
        }
      },
      "channels": {
        "type": "object",
        "description": "The node's part of the data plane.",
        "required": [
          "slots",
          "slotBytes",
          "inputs"
        ],
        "properties": {
          "slots": {
            "type": "integer",
            "minimum": 0,
            "description": "Output slots of each task of the node."
          },
          "slotBytes": {
            "type": "integer",
            "minimum": 0,
            "description": "Nominal bytes of a slot."
          },
          "partitionBy": {
            "type": "string",
            "description": "Key that assigns messages to tasks."
          },
          "join": {
            "type": "string",
            "enum": [
              "Trace"
            ],
            "description": "How several inputs are joined."
          },
          "inputs": {
            "type": "array",
            "description": "The channels that the node reads, in the order of its inputs.",
            "items": {
              "type": "object",
              "required": [
                "from",
                "cells",
                "keep",
                "releases"
              ],
              "properties": {
                "from": {
                  "type": "string",
                  "description": "Node that writes the channel."
                },
                "cells": {
                  "type": "integer",
                  "minimum": 1,
                  "description": "Places of the channel, a power of two."
                },
                "keep": {
                  "type": "integer",
                  "minimum": 1,
                  "description": "Realtime: messages kept before the oldest is dropped."
                },
                "releases": {
                  "type": "array",
                  "description": "Realtime: channels on which a message dropped here is released.",
                  "items": {
                    "type": "object",
                    "required": [
                      "from",
                      "to"
                    ],
                    "properties": {
                      "from": {
                        "type": "string",
                        "description": "Writer of the channel."
                      },
                      "to": {
                        "type": "string",
                        "description": "Reader of the channel."
                      }
                    },
                    "additionalProperties": false
                  }
                }
              },
              "additionalProperties": false
            }
          }
        },
        "additionalProperties": false
      },
      "graphHash": {
        "type": "string",
        "description": "Hash of the graph that the flow's module must build again."
      },
      "root": {
        "type": "string",
        "description": "Folder against which relative paths were resolved."
      },
      "workingDir": {
        "type": "string",
        "description": "Working directory of the process."
      },
      "env": {
        "type": "array",
        "description": "Environment variables.",
        "items": {
          "type": "object",
          "required": [
            "name",
            "value"
          ],
          "properties": {
            "name": {
              "type": "string",
              "description": "Name of the variable."
            },
            "value": {
              "type": "string",
              "description": "Value of the variable."
            }
          },
          "additionalProperties": false
        }
      },
      "restart": {
        "type": "object",
        "description": "Restart policy of the task.",
        "required": [
          "policy",
          "initialBackoffSeconds",
          "maxBackoffSeconds",
          "maxRestarts",
          "windowSeconds"
        ],
        "properties": {
          "policy": {
            "type": "string",
            "enum": [
              "OnFailure",
              "Never"
            ],
            "description": "Whether a dead task is started again."
          },
          "initialBackoffSeconds": {
            "type": "number",
            "description": "Wait before the second restart in a row."
          },
          "maxBackoffSeconds": {
            "type": "number",
            "description": "The longest wait."
          },
          "maxRestarts": {
            "type": "integer",
            "description": "Restarts within the window."
          },
          "windowSeconds": {
            "type": "integer",
            "description": "The window."
          }
        },
        "additionalProperties": false
      },
      "retries": {
        "type": "integer",
        "minimum": 0,
        "description": "Further attempts at an input."
      },
      "startupDeadlineSeconds": {
        "type": "integer",
        "minimum": 1,
        "description": "Seconds until the task must be ready."
      },
      "progressDeadlineSeconds": {
        "type": "integer",
        "minimum": 1,
        "description": "Seconds without progress before the task is replaced."
      },
      "terminationGracePeriodSeconds": {
        "type": "integer",
        "minimum": 0,
        "description": "Seconds between SIGTERM and SIGKILL."
      },
      "templateHash": {
        "type": "string",
        "description": "Hash of everything that needs a restart when it changes."
      }
    },
    "additionalProperties": false
  },
  "Host": {
    "type": "object",
    "description": "What the operator wants of the machine.",
    "properties": {
      "schedulable": {
        "type": "boolean",
        "default": true,
        "description": "Whether flows may be placed here."
      }
    },
    "additionalProperties": false
  },
  "VideoFlow": {
    "type": "object",
    "description": "The graph and the wanted state.",
    "required": [
      "nodes"
    ],
    "properties": {
      "flowType": {
        "type": "string",
        "enum": [
          "Batch",
          "Realtime"
        ],
        "default": "Batch",
        "description": "Batch loses nothing and ends; in Realtime the freshest message wins and a writer never blocks. Immutable."
      },
      "desiredState": {
        "type": "string",
        "enum": [
          "Running",
          "Stopped"
        ],
        "default": "Running",
        "description": "Stopped ends the producers, drains what is in flight and ends the tasks."
      },
      "admission": {
        "type": "object",
        "description": "What happens when the host cannot give the flow what it needs now.",
        "properties": {
          "policy": {
            "type": "string",
            "enum": [
              "Fail",
              "Wait"
            ],
            "description": "Fail refuses the flow at once, Wait keeps it until devices are free. Default: Fail under `videoflow run`."
          },
          "timeoutSeconds": {
            "type": "integer",
            "minimum": 1,
            "maximum": 31536000,
            "description": "With Wait: give up after this many seconds."
          }
        },
        "additionalProperties": false
      },
      "nodes": {
        "type": "array",
        "minItems": 1,
        "maxItems": 256,
        "description": "The vertices of the graph, in any order.",
        "items": {
          "type": "object",
          "required": [
            "name",
            "role",
            "component"
          ],
          "properties": {
            "name": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
              "description": "A DNS label, unique in the flow."
            },
            "role": {
              "type": "string",
              "enum": [
                "Producer",
                "Processor",
                "Consumer"
              ],
              "description": "Producers have no inputs, consumers no outputs. Checked against the component's descriptor."
            },
            "component": {
              "type": "string",
              "minLength": 1,
              "maxLength": 512,
              "description": "A built-in name (VideoFileReader) or a class of a module (./file.ts#Export)."
            },
            "params": {
              "type": "object",
              "default": {},
              "description": "What the component's constructor gets; checked against its schema.",
              "additionalProperties": true
            },
            "inputs": {
              "type": "array",
              "maxItems": 64,
              "default": [],
              "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 63
              },
              "description": "Names of the parents, in the order of process(...inputs)."
            },
            "nbTasks": {
              "type": "integer",
              "minimum": 1,
              "maximum": 1024,
              "default": 1,
              "description": "Number of tasks (processes) of a processor."
            },
            "oneTask": {
              "type": "boolean",
              "default": false,
              "description": "The component keeps state and always gets one task."
            },
            "deviceType": {
              "type": "string",
              "enum": [
                "CPU",
                "GPU"
              ],
              "default": "CPU",
              "description": "GPU is a wish: each task gets a GPU of its own while there are any, the others run on the CPU."
            },
            "device": {
              "type": "object",
              "description": "What the node's GPUs must be like.",
              "properties": {
                "required": {
                  "type": "boolean",
                  "default": false,
                  "description": "The node can only run on a GPU; without one the flow is refused before any process starts."
                },
                "count": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 64,
                  "default": 1,
                  "description": "GPUs per task."
                },
                "memory": {
                  "type": "string",
                  "pattern": "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$",
                  "maxLength": 32,
                  "description": "Memory that each GPU must have; with sharing Shared, what the task takes of it. A quantity such as 8Gi."
                },
                "sharing": {
                  "type": "string",
                  "enum": [
                    "Exclusive",
                    "Shared"
                  ],
                  "default": "Exclusive",
                  "description": "Shared lets claims share a GPU by memory; there is no isolation between them."
                },
                "product": {
                  "type": "string",
                  "maxLength": 128,
                  "description": "Text that the product name of the GPU must contain, such as H100; case is ignored."
                }
              },
              "additionalProperties": false
            },
            "join": {
              "type": "object",
              "description": "How a node with several inputs brings them together.",
              "properties": {
                "mode": {
                  "type": "string",
                  "enum": [
                    "Trace"
                  ],
                  "default": "Trace",
                  "description": "Trace joins the messages that come from the same message of the producer."
                }
              },
              "additionalProperties": false
            },
            "partitionBy": {
              "type": "string",
              "minLength": 1,
              "maxLength": 128,
              "description": "trace_id or a metadata field: all messages of one key go to one task."
            },
            "taskGroup": {
              "type": "string",
              "minLength": 1,
              "maxLength": 63,
              "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
              "description": "Processor nodes of one group are fused into one task (the original's TaskModuleNode)."
            },
            "restart": {
              "type": "object",
              "description": "What happens when a task dies.",
              "properties": {
                "policy": {
                  "type": "string",
                  "enum": [
                    "OnFailure",
                    "Never"
                  ],
                  "default": "OnFailure",
                  "description": "OnFailure starts a dead task again within its budget."
                },
                "initialBackoffSeconds": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 3600,
                  "default": 1,
                  "description": "Wait before the second restart in a row; doubles from there. The first is at once."
                },
                "maxBackoffSeconds": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 86400,
                  "default": 60,
                  "description": "The longest wait."
                },
                "maxRestarts": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "default": 5,
                  "description": "Restarts within windowSeconds before the task is Failed."
                },
                "windowSeconds": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 31536000,
                  "default": 600,
                  "description": "The window of maxRestarts."
                }
              },
              "additionalProperties": false
            },
            "retries": {
              "type": "integer",
              "minimum": 0,
              "maximum": 1000,
              "default": 3,
              "description": "Further attempts at an input before it goes to the dead letters."
            },
            "env": {
              "type": "array",
              "maxItems": 256,
              "default": [],
              "description": "Environment variables of the tasks. VF_*, CUDA_*, HIP_* and ROCR_* are reserved.",
              "items": {
                "type": "object",
                "required": [
                  "name",
                  "value"
                ],
                "properties": {
                  "name": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 256,
                    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                    "description": "Name of the variable."
                  },
                  "value": {
                    "type": "string",
                    "maxLength": 32768,
                    "description": "Value of the variable."
                  }
                },
                "additionalProperties": false
              }
            },
            "workingDir": {
              "type": "string",
              "maxLength": 4096,
              "description": "Working directory of the tasks; the folder of the manifest by default."
            },
            "startupDeadlineSeconds": {
              "type": "integer",
              "minimum": 1,
              "maximum": 86400,
              "default": 60,
              "description": "A task that is not ready by then is replaced."
            },
            "progressDeadlineSeconds": {
              "type": "integer",
              "minimum": 1,
              "maximum": 86400,
              "description": "A task that has input and space but makes no progress for so long is replaced. Default: off."
            },
            "terminationGracePeriodSeconds": {
              "type": "integer",
              "minimum": 0,
              "maximum": 86400,
              "default": 10,
              "description": "Time between SIGTERM and SIGKILL."
            },
            "buffer": {
              "type": "object",
              "description": "Size of the output pool of each task of the node.",
              "properties": {
                "messages": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 4096,
                  "description": "Messages in flight behind each task; raised where less would deadlock."
                },
                "bytes": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1099511627776,
                  "description": "Bytes of all of them together, for the memory budget."
                }
              },
              "additionalProperties": false
            }
          },
          "additionalProperties": false
        }
      }
    },
    "additionalProperties": false
  }
} as const;
