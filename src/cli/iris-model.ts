/** Where the example's build looks for its model. */
export const MODEL_BUCKET = 'inzynier-ai-models';
export const MODEL_OBJECT = 'iris/1.0.0/model.json';

/** Mean flower of each class in Fisher's iris data (1936), in centimetres: all that nearest-centroid needs. */
export const IRIS_MODEL = {
  name: 'iris',
  version: '1.0.0',
  features: ['sepal length', 'sepal width', 'petal length', 'petal width'],
  classes: {
    setosa: [5.006, 3.428, 1.462, 0.246],
    versicolor: [5.936, 2.77, 4.26, 1.326],
    virginica: [6.588, 2.974, 5.552, 2.026],
  },
};
