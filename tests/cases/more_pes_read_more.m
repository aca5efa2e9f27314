Network more_pes_read_more {
	Layer more_pes_read_more {
		Type: CONV
		Dimensions { X': 3, S: 2 }
		Dataflow {
			SpatialMap(1,1) X';
		}
	}
}
