Network strided_edge {
	Layer strided_edge {
		Type: CONV
		Stride { X: 2, Y: 1 }
		Dimensions { X: 10, S: 3 }
		Dataflow {
			TemporalMap(5,2) X;
		}
	}
}
